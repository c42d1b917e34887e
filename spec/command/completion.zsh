# zsh -f completion.zsh TEXT EXPECTED: presses Tab behind a text in an interactive zsh, and succeeds if EXPECTED stands
# there then; zsh rings the bell where it has nothing to put there
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1="> "; autoload -Uz compinit; compinit -u -D; eval "$(byre completion zsh)"; print READY-$((1 + 1))'
zpty -r -m shell answer '*READY-2*'
zpty -w -n shell "$1"$'\t'
zpty -r -m shell answer "*($2|"$'\a'")*"
zpty -d shell
[[ $answer == *$2* ]]
