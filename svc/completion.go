package svc

import (
	"context"
	"fmt"
	"strings"
)

const completionUsage = `Completion of commands and flags in your shell.

    wamux completion bash          source <(wamux completion bash), in ~/.bashrc
    wamux completion zsh           source <(wamux completion zsh), in ~/.zshrc behind compinit
    wamux completion fish          wamux completion fish > ~/.config/fish/completions/wamux.fish
    wamux completion powershell    wamux completion powershell | Out-String | Invoke-Expression, in $PROFILE
`

func completionShells() []string { return []string{"bash", "fish", "powershell", "zsh"} }

// completion prints the script for a shell, made of the table of commands.
func (p program) completion(_ context.Context, args []string) int {
	scripts := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion, "powershell": powershellCompletion}
	if len(args) != 1 || scripts[args[0]] == nil {
		return p.fail(exitUsage, fmt.Errorf("completion needs one shell of %s", strings.Join(completionShells(), ", ")), helpOn("completion"))
	}
	fmt.Fprint(p.stdout, scripts[args[0]]())
	return exitOK
}

// names are all commands.
func names() (all []string) {
	for _, c := range commands() {
		all = append(all, c.name)
	}
	return all
}

// complete is all that may follow a command: its verbs, its flags, and the
// settings where it takes them.
func (c command) complete() (verbs, flags []string) {
	if c.name == "help" {
		return names(), nil
	}
	if c.bare {
		return c.verbs, c.flags
	}
	flags = append(flags, c.flags...)
	for _, o := range options() {
		flags = append(flags, "--"+o.flag)
	}
	if c.name != "run" && c.name != "sandbox" && c.name != "install" {
		flags = append(flags, "--sandbox")
	}
	return c.verbs, flags
}

// cases writes one case of a shell for each command.
func cases(format string) string {
	var b strings.Builder
	for _, c := range commands() {
		verbs, flags := c.complete()
		fmt.Fprintf(&b, format, c.name, strings.Join(verbs, " "), strings.Join(flags, " "))
	}
	return b.String()
}

func bashCompletion() string {
	return `_wamux() {
  local cur=${COMP_WORDS[COMP_CWORD]} verbs= flags=
  case ${COMP_WORDS[1]} in
` + cases("  %s) verbs=%q; flags=%q ;;\n") + `  esac
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "` + strings.Join(names(), " ") + `" -- "$cur"))
  elif [ "${cur#-}" != "$cur" ]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [ "$COMP_CWORD" = 2 ]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
  else
    COMPREPLY=()
  fi
}
complete -o default -F _wamux wamux
`
}

func zshCompletion() string {
	return `#compdef wamux
_wamux() {
  local verbs= flags=
  case ${words[2]} in
` + cases("  %s) verbs=%q; flags=%q ;;\n") + `  esac
  if (( CURRENT == 2 )); then
    compadd -- ` + strings.Join(names(), " ") + `
  elif [[ ${words[CURRENT]} == -* ]]; then
    compadd -- ${=flags}
  elif (( CURRENT == 3 )) && [[ -n $verbs ]]; then
    compadd -- ${=verbs}
  else
    _files
  fi
}
compdef _wamux wamux
`
}

func fishCompletion() string {
	var b strings.Builder
	fmt.Fprintf(&b, "complete -c wamux -n __fish_use_subcommand -f -a %q\n", strings.Join(names(), " "))
	for _, c := range commands() {
		verbs, flags := c.complete()
		seen := fmt.Sprintf("complete -c wamux -n '__fish_seen_subcommand_from %s'", c.name)
		if len(verbs) > 0 {
			fmt.Fprintf(&b, "%s -a %q\n", seen, strings.Join(verbs, " "))
		}
		for _, flag := range flags {
			fmt.Fprintf(&b, "%s -l %s\n", seen, strings.TrimPrefix(flag, "--"))
		}
	}
	return b.String()
}

func powershellCompletion() string {
	return `Register-ArgumentCompleter -Native -CommandName wamux -ScriptBlock {
  param($word, $ast, $position)
  $seen = @($ast.CommandElements | ForEach-Object { $_.ToString() })
  $at = $seen.Count - [int]($word -ne '')
  $verbs = ''; $flags = ''
  switch ($seen[1]) {
` + cases("    '%s' { $verbs = '%s'; $flags = '%s' }\n") + `  }
  $all = if ($at -le 1) { '` + strings.Join(names(), " ") + `' } elseif ($word -like '-*') { $flags } elseif ($at -eq 2) { $verbs }
  "$all" -split ' ' | Where-Object { $_ -like "$word*" -and $_ } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`
}
