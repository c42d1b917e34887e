--- Entry of a sandbox for specs: the script sees Lua's own functions only.
return function(tools, script)
   return tools.load(script.text, script.name, tools.base())()
end
