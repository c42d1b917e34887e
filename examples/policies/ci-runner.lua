-- Images that are made again every day: the last few, and one a day for a week.
return policy { keep.last(5), keep.daily "1w" }
