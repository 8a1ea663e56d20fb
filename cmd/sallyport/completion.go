package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a completion script.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help explains the command.
func (completionCmd) Help() string {
	return `The script completes commands, flags, the values of flags, and names of files.

Example:

    sallyport completion bash > ~/.local/share/bash-completion/completions/sallyport
    sallyport completion zsh > "${fpath[1]}/_sallyport"
    sallyport completion fish > ~/.config/fish/completions/sallyport.fish`
}

// Run prints the script.
func (k *completionCmd) Run(c *console) error {
	all := completions(c)
	switch k.Shell {
	case "zsh":
		return c.print("%s", zsh(all))
	case "fish":
		return c.print("%s", fish(all))
	}
	return c.print("%s", bash(all))
}

// A completion is what can follow one command.
type completion struct {
	path  string // "key create", "" for the program itself
	words []choice
	flags []flag
}

// A choice is a subcommand, or a value of an argument with a closed set.
type choice struct{ name, help string }

// A flag is a flag with what it takes.
type flag struct {
	name   string // "--state"
	help   string
	bool   bool
	values []string // of a closed set
}

// completions reads the grammar, sorted by path.
func completions(c *console) []completion {
	nodes := commands(c)
	if parser, err := newParser(c, func(int) {}); err == nil {
		nodes[""] = parser.Model.Node
	}
	paths := make([]string, 0, len(nodes))
	for p := range nodes {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	out := make([]completion, 0, len(paths))
	for _, p := range paths {
		out = append(out, completionOf(p, nodes[p]))
	}
	return out
}

func completionOf(path string, n *kong.Node) completion {
	x := completion{path: path}
	for _, child := range n.Children {
		if !child.Hidden {
			x.words = append(x.words, choice{child.Name, child.Help})
		}
	}
	for _, arg := range n.Positional {
		for _, v := range closed(arg) {
			x.words = append(x.words, choice{v, ""})
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			one := flag{"--" + f.Name, f.Help, f.IsBool(), closed(f.Value)}
			x.flags = append(x.flags, one)
			if f.Short != 0 {
				one.name = "-" + string(f.Short)
				x.flags = append(x.flags, one)
			}
		}
	}
	return x
}

// closed lists the values of a closed set, without the empty one.
func closed(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
}

// names are the names of words.
func (x completion) names() string {
	out := make([]string, len(x.words))
	for i, w := range x.words {
		out[i] = w.name
	}
	return strings.Join(out, " ")
}

// flagNames are the names of flags.
func (x completion) flagNames() string {
	out := make([]string, len(x.flags))
	for i, f := range x.flags {
		out[i] = f.name
	}
	return strings.Join(out, " ")
}

// cases are the lines of the shell functions that bash and zsh share: which
// command the words before the cursor name, and what can follow it.
func cases(all []completion) (descend, follow, values string) {
	var d, f, v strings.Builder
	for _, x := range all {
		if x.path != "" {
			parent, name := "", x.path
			if i := strings.LastIndexByte(x.path, ' '); i >= 0 {
				parent, name = x.path[:i], x.path[i+1:]
			}
			fmt.Fprintf(&d, "      %q) path=%q ;;\n", parent+" "+name, x.path)
		}
		fmt.Fprintf(&f, "    %q) words=%q; flags=%q ;;\n", x.path, x.names(), x.flagNames())
		for _, g := range x.flags {
			if !g.bool {
				fmt.Fprintf(&v, "    %q) values=%q; takes=1 ;;\n", x.path+" "+g.name, strings.Join(g.values, " "))
			}
		}
	}
	return d.String(), f.String(), v.String()
}

// bash is the script for bash 3.2 and later.
func bash(all []completion) string {
	descend, follow, values := cases(all)
	return `# bash completion for sallyport
_sallyport() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" words="" flags="" values="" takes="" w
  COMPREPLY=()
  for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $w" in
` + descend + `    esac
  done
  case "$path" in
` + follow + `  esac
  case "$path $prev" in
` + values + `  esac
  if [ -n "$takes" ]; then
    if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi
  elif [ "${cur#-}" != "$cur" ]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _sallyport sallyport
`
}

// zsh is the script for zsh 5 and later.
func zsh(all []completion) string {
	descend, follow, values := cases(all)
	return `#compdef sallyport
# zsh completion for sallyport
_sallyport() {
  local cur="${words[CURRENT]}" prev="${words[CURRENT-1]}" path_="" list="" flags="" values="" takes="" w
  for w in "${(@)words[2,CURRENT-1]}"; do
    case "$path_ $w" in
` + strings.ReplaceAll(descend, " path=", " path_=") + `    esac
  done
  case "$path_" in
` + strings.ReplaceAll(follow, " words=", " list=") + `  esac
  case "$path_ $prev" in
` + values + `  esac
  if [[ -n "$takes" ]]; then
    if [[ -n "$values" ]]; then compadd -- ${=values}; else _files; fi
  elif [[ "$cur" == -* ]]; then
    compadd -- ${=flags}
  elif [[ -n "$list" ]]; then
    compadd -- ${=list}
  else
    _files
  fi
}
if [ "${funcstack[1]}" = "_sallyport" ]; then _sallyport "$@"; else compdef _sallyport sallyport; fi
`
}

// fish is the script for fish 3 and later.
func fish(all []completion) string {
	var b strings.Builder
	b.WriteString(`# fish completion for sallyport
function __sallyport_at
  set -l path ""
  set -l given (commandline -opc)
  set -e given[1]
  for w in $given
    switch "$path $w"
`)
	for _, x := range all {
		if x.path == "" {
			continue
		}
		parent, name := "", x.path
		if i := strings.LastIndexByte(x.path, ' '); i >= 0 {
			parent, name = x.path[:i], x.path[i+1:]
		}
		fmt.Fprintf(&b, "      case %s\n        set path %s\n", fishQuote(parent+" "+name), fishQuote(x.path))
	}
	b.WriteString("    end\n  end\n  test \"$path\" = \"$argv[1]\"\nend\n")
	for _, x := range all {
		at := "__sallyport_at " + fishQuote(x.path)
		if len(x.words) > 0 {
			fmt.Fprintf(&b, "complete -c sallyport -n %s -f\n", fishQuote(at))
		}
		for _, w := range x.words {
			fmt.Fprintf(&b, "complete -c sallyport -n %s -a %s -d %s\n", fishQuote(at), fishQuote(w.name), fishQuote(w.help))
		}
		for _, f := range x.flags {
			fmt.Fprintf(&b, "complete -c sallyport -n %s %s", fishQuote(at), fishFlag(f))
		}
	}
	return b.String()
}

// fishFlag is the rest of the line for one flag.
func fishFlag(f flag) string {
	option := "-l " + strings.TrimPrefix(f.name, "--")
	if !strings.HasPrefix(f.name, "--") {
		option = "-s " + strings.TrimPrefix(f.name, "-")
	}
	takes := ""
	switch {
	case len(f.values) > 0:
		takes = " -x -a " + fishQuote(strings.Join(f.values, " "))
	case !f.bool:
		takes = " -r -F"
	}
	return option + takes + " -d " + fishQuote(f.help) + "\n"
}

// fishQuote makes s one word of fish.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
