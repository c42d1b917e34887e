--- The looks of a calendar page: one style sheet, light and dark.
-- @module byre.retention.calendar.style
return [[
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --faint: #6a6a6a; --line: #d5d5d5; --accent: #0a5cc2;
  --c1: #cfe3ff; --c2: #d3f2d6; --c3: #ffe9b0; --c4: #ffd5d0; --c5: #e6d6fb; --c6: #c5eeee; --c7: #f6cfe6;
  --c8: #e2e2e2; }
@media (prefers-color-scheme: dark) {
:root { --paper: #16181b; --ink: #ececec; --faint: #a3a3a3; --line: #3d4045; --accent: #7db4ff;
  --c1: #1d3f6e; --c2: #1d5029; --c3: #5c470f; --c4: #66291f; --c5: #472b73; --c6: #0f4f4f; --c7: #632049;
  --c8: #45484d; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; max-width: 68rem;
  margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; } svg { width: 100%; min-width: 56rem; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
svg .faint { fill: var(--faint); } svg .rule { stroke: var(--line); fill: none; }
svg .gone { text-decoration: line-through; fill: var(--faint); }
svg .curve { fill: none; stroke: var(--accent); stroke-width: 1.6; } svg .bar { fill: var(--accent); }
svg .change { stroke: var(--faint); stroke-dasharray: 3 3; } svg .now { stroke: var(--ink); }
.c1 { fill: var(--c1); background: var(--c1); } .c2 { fill: var(--c2); background: var(--c2); }
.c3 { fill: var(--c3); background: var(--c3); } .c4 { fill: var(--c4); background: var(--c4); }
.c5 { fill: var(--c5); background: var(--c5); } .c6 { fill: var(--c6); background: var(--c6); }
.c7 { fill: var(--c7); background: var(--c7); } .c8 { fill: var(--c8); background: var(--c8); }
.none { fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: .4rem .8rem; padding: 0; list-style: none; }
.legend span { padding: .1rem .5rem; border-radius: .3rem; } .legend s { color: var(--faint); }
#slide { display: none; position: sticky; top: 0; background: var(--paper); padding: .6rem 0;
  border-bottom: 1px solid var(--line); } #slide input { width: 100%; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .9rem .15rem 0;
  border-bottom: 1px solid var(--line); }
]]
