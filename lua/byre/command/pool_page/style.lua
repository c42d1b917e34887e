--- The looks of a page on a pool, beyond those of a calendar page.
-- @module byre.command.pool_page.style
return require("byre.retention.calendar.style") .. [[
:root { --alarm: #b3261e; } @media (prefers-color-scheme: dark) { :root { --alarm: #ff9d93; } }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; list-style: none; }
a { color: var(--accent); } h3 { font-size: 1rem; } code { font-size: .95em; }
.faint { color: var(--faint); } .number { text-align: right; white-space: nowrap; }
td { vertical-align: top; } th { font-weight: 600; } tbody th { font-weight: 400; white-space: nowrap; }
svg.mini { min-width: 8rem; width: 100%; height: 14px; } svg.whole { height: 28px; border: 1px solid var(--line); }
.free { fill: none; } .legend .free { border: 1px solid var(--line); }
summary { cursor: pointer; padding: .15rem 0; } details details, details .wide { margin: .3rem 0 .8rem 1rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.tree, .tree ul { list-style: none; padding-left: 1.2rem; } .tree { padding-left: 0; }
.tree ul { border-left: 1px solid var(--line); margin-left: .4rem; } .tree li { padding: .08rem 0; }
.badge { border-radius: .3rem; padding: 0 .4rem; font-size: .85em; color: var(--ink); }
.badge.outdated { border: 1px solid var(--alarm); color: var(--alarm); }
.line { display: inline-grid; grid-template-columns: 15rem 1fr 5rem; gap: .6rem; align-items: center;
  width: calc(100% - 1.4rem); } .line > span:first-child { overflow-wrap: anywhere; }
.line > span:last-child { text-align: right; } .line svg.mini { height: auto; }
.axis { position: sticky; top: 0; background: var(--paper); margin-left: 1.1rem; color: var(--faint); z-index: 1; }
svg .keep { fill: var(--accent); } svg .stay { fill: none; stroke: var(--accent); stroke-width: 1.6; }
svg .go { stroke: var(--alarm); stroke-width: 2; } svg .hold { fill: none; stroke: var(--ink); }
svg .flag { fill: var(--ink); stroke: var(--ink); } .next-go, .failure { color: var(--alarm); }
@media (max-width: 40rem) { .line { grid-template-columns: 8rem 1fr 3rem; } }
]]
