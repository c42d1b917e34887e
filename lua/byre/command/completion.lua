--- `byre completion`
-- @module byre.command.completion
local report = require("byre.command.report")

local completion = {
   summary = "Print what makes a shell complete words of byre.",
   description = [[Print a script that makes a shell complete verbs, options, volumes and
revisions of byre. Volumes are those of the pool that -p or BYRE_POOL names.]],
   examples = {
      { "byre completion bash >byre.bash", "put it into /usr/share/bash-completion/completions/byre" },
      { "byre completion zsh >_byre", "put it into a directory of $fpath" },
      { "byre completion fish >byre.fish", "put it into ~/.config/fish/completions" },
   },
}

-- The scripts ask `byre completion --line` for what may follow. It answers with a word and what it means on a line
-- each, or with ":files" or ":directories".
local scripts = {
   bash = [==[
# completion of byre for bash
_byre() {
	local line=${COMP_LINE:0:COMP_POINT} word answer
	word=${line##*[[:space:]]}
	COMPREPLY=()
	while IFS= read -r answer; do
		case $answer in
		:files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
		:directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
		*) COMPREPLY+=("${answer%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" completion --line "$line" 2>/dev/null)
	# bash has broken the word at these, and puts back only what is behind the last
	local before=${word%"${word##*[@:=]}"}
	COMPREPLY=("${COMPREPLY[@]#"$before"}")
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
	return 0
}
complete -F _byre byre
]==],
   zsh = [==[
#compdef byre
# completion of byre for zsh
_byre() {
	local -a lines described
	local line
	lines=("${(@f)$($words[1] completion --line "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
	case $lines[1] in
	:files) _files; return ;;
	:directories) _files -/; return ;;
	esac
	for line in $lines; do
		described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	_describe byre described
}
if [ "$funcstack[1]" = _byre ]; then
	_byre "$@"
else
	compdef _byre byre
fi
]==],
   fish = [==[
# completion of byre for fish
function __byre_complete
	for answer in (byre completion --line (commandline -cp | string collect) 2>/dev/null)
		switch $answer
			case :files
				__fish_complete_path (commandline -ct)
			case :directories
				__fish_complete_directories (commandline -ct)
			case '*'
				echo $answer
		end
	end
end
complete -c byre -f -a '(__byre_complete)'
]==],
}

function completion.parser(command)
   command:argument("SHELL", "bash, zsh or fish."):target("shell"):args("?")
   command:option("--line", "Print what may follow this beginning of a command line; for the scripts."):argname("LINE")
end

function completion.run(context, args)
   if args.line then
      return require("byre.command.candidates").print(args.line)
   end
   local script = scripts[args.shell or ""]
   if not script then
      report.usage("completion", "say for which shell: bash, zsh or fish")
   end
   context.out:write(script)
end

return completion
