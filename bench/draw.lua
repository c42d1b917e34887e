-- Draws what bench/run.lua --json wrote: lua5.4 bench/draw.lua RESULT.json >PAGE.html
local dkjson = require("dkjson")
local report = require("bench.report")

local file <close> = assert(io.open(arg[1], "rb"))
local document, _, message = dkjson.decode(file:read("a"))
io.write(report.html(document or error(arg[1] .. ": " .. message)))
