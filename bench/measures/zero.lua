-- Is a block all zeros? Beside the machine's reading of memory, in one program so that both see the same.
return function(bench)
   local cases = { { "in the cache", 256 << 10 }, { "in memory", bench.quick and 16 << 20 or 512 << 20, 0.9 } }
   for _, case in ipairs(cases) do
      local reading
      bench:compare({
         name = "zero test, " .. case[1], target = case[3], pairs = 9, rival_name = "adding up words",
         -- one run measures both; its second number waits for the rival's turn
         byre = function()
            local test
            test, reading = bench.numbers(bench.run("%s %s", bench:program("zero"), case[2]))
            return test
         end,
         rival = function()
            if not reading then
               reading = select(2, bench.numbers(bench.run("%s %s", bench:program("zero"), case[2])))
            end
            local seconds = reading
            reading = nil
            return seconds
         end,
      })
   end
end
