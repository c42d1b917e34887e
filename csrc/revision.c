/* revision.c - read the names of revisions; plain C, no Lua here */

#include <string.h>

#include "revision.h"

#define STAMP_LENGTH 19
#define STAMP_FORM "dddd-dd-ddTdd:dd:dd"
#define SECONDS_A_DAY 86400

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++) {
		if (*form == 'd' ? !is_digit(*text) : *form == 'T' ? !memchr("Tt ", *text, 3) : *text != *form)
			return false;
	}
	return true;
}

/* `count` digits that are there */
static int number(const char *text, int count)
{
	int value = 0;

	while (count-- > 0)
		value = value * 10 + (*text++ - '0');
	return value;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01.  The year starts in March here, so that the leap day is its last. */
static int64_t days_from_civil(int year, int month, int day)
{
	int y = year + 400 - (month <= 2);      /* 400 years on, so that nothing is negative */
	int era = y / 400, year_of_era = y % 400;
	int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (int64_t)(era - 1) * 146097 + day_of_era - 719468;
}

bool byre_stamp_parse(const char *text, size_t length, int64_t *ret_time)
{
	int year, month, day, hour, minute, second;

	if (length != STAMP_LENGTH || !has_form(text, STAMP_FORM))
		return false;
	year = number(text, 4);
	month = number(text + 5, 2);
	day = number(text + 8, 2);
	hour = number(text + 11, 2);
	minute = number(text + 14, 2);
	second = number(text + 17, 2);
	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	*ret_time = days_from_civil(year, month, day) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second;
	return true;
}

bool byre_revision_parse(const char *rest, size_t length, struct byre_revision *ret_revision)
{
	static const char start[] = ".img.";
	const size_t start_length = sizeof start - 1;
	const char *digits = rest + start_length, *p = digits;
	int64_t seq = 0;

	/* shorter than any, so that nothing below looks behind the end */
	if (length < start_length + sizeof "0@Z" - 1 + STAMP_LENGTH || memcmp(rest, start, start_length) != 0)
		return false;
	for (; is_digit(*p) && seq <= BYRE_LAST_SEQ; p++)
		seq = seq * 10 + (*p - '0');
	if (p == digits || seq > BYRE_LAST_SEQ || *p != '@' || rest[length - 1] != 'Z')
		return false;
	ret_revision->seq = seq;
	ret_revision->digits = (size_t)(p - digits);
	p++;
	return byre_stamp_parse(p, (size_t)(rest + length - 1 - p), &ret_revision->time);
}
