import { CommandFailure, type Context, exit, print } from '../context.js'

/** Scripts that ask `tocsin __complete WORDS…` what may come next. */
const scripts: Record<string, string> = {
  bash: `# tocsin completion for bash: tocsin completions bash > /etc/bash_completion.d/tocsin
_tocsin() {
  mapfile -t COMPREPLY < <(tocsin __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _tocsin tocsin`,
  zsh: `#compdef tocsin
# tocsin completion for zsh: tocsin completions zsh > "\${fpath[1]}/_tocsin"
_tocsin() {
  local -a proposed
  proposed=("\${(@f)$(tocsin __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a proposed
}
compdef _tocsin tocsin`,
  fish: `# tocsin completion for fish: tocsin completions fish > ~/.config/fish/completions/tocsin.fish
complete -c tocsin -f -a '(tocsin __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
}

export async function completions(this: Context, _flags: object, shell: string): Promise<void> {
  const script = scripts[shell]
  if (script === undefined)
    throw new CommandFailure(
      `There is no completion for '${shell}'; there is for ${Object.keys(scripts).join(', ')}`,
      exit.usage,
    )
  print(this, script)
}
