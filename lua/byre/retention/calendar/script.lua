--- The slider of a calendar page. The page is whole without it.
-- @module byre.retention.calendar.script
return [[
"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  var slide = document.getElementById("slide"), input = document.getElementById("asof");
  var output = document.getElementById("when"), marks = document.querySelectorAll(".now");
  var cells = Array.prototype.slice.call(document.querySelectorAll(".cell"));
  var last = data.samples.length - 1;
  if (last < 1) return;

  function ruleAt(r, moment) {
    var rule = 0;
    for (var i = 0; i < r[4].length && r[4][i] <= moment; i += 2) rule = r[4][i + 1];
    return rule;
  }
  function put(slot, color, text, looks) {
    var title = slot.querySelector("title");
    if (title) title.remove();
    slot.querySelector("rect").setAttribute("class", color);
    slot.lastElementChild.setAttribute("class", looks || "");
    slot.lastElementChild.textContent = text;
  }
  function fill(cell, moment, end) {
    var there = [], gone = [], slots = cell.children;
    (data.days[cell.getAttribute("data-day")] || []).forEach(function (r) {
      if (r[0] <= moment) (r[1] && r[1] <= moment ? gone : there).push(r);
    });
    var all = there.concat(gone), room = slots.length;
    for (var i = 0; i < room; i++) {
      var r = all[i], more = all.length - room + 1;
      if (!r) put(slots[i], "none", "");
      else if (i === room - 1 && more > 1) {
        var kept = Math.max(0, there.length - i);
        put(slots[i], "none", kept ? "+" + more + ", " + kept + " kept" : "+" + more + " gone", "faint");
      } else if (i < there.length) {
        var rule = ruleAt(r, moment);
        put(slots[i], "c" + Math.min(rule, 8), r[2] + " " + (data.rules[rule - 1] || "") +
          (end && r[3] ? " " + r[3] : ""));
      } else put(slots[i], "none", r[2], "gone");
    }
  }
  function show() {
    var index = Number(input.value);
    cells.forEach(function (cell) { fill(cell, data.samples[index][0], index === last); });
    describe(index);
  }
  function describe(index) {
    var sample = data.samples[index];
    output.textContent = sample[1] + ": " + sample[2] + " revisions" + (sample[3] ? ", " + sample[3] : "");
    input.setAttribute("aria-valuetext", output.textContent);
    marks.forEach(function (mark) {
      var along = (sample[0] - data.from) / Math.max(1, data.to - data.from);
      var x = Number(mark.getAttribute("data-left")) + Number(mark.getAttribute("data-width")) * along;
      mark.setAttribute("x1", x);
      mark.setAttribute("x2", x);
    });
  }
  input.max = last;
  input.value = last;
  input.addEventListener("input", show);
  slide.style.display = "block";
  describe(last);
})();
]]
