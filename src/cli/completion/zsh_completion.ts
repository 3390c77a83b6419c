import type { CompletedCommand, CompletedWord } from './command_tree.ts';

/** A script for zsh, with descriptions. It starts no process, so that TAB is fast and works without a vault. */
export function zshCompletion(tree: readonly CompletedCommand[]): string {
  const paths = tree.slice(1).map(({ path }) => `'${path}'`);
  const values = tree.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ word, choices }) =>
        choices.length === 0
          ? `    '${path} ${word}') _files; return ;;`
          : `    '${path} ${word}') compadd -- ${choices.join(' ')}; return ;;`,
      ),
  );
  const words = tree.map(
    ({ path, words: own, options }) =>
      `    '${path}') verbs=(${own.map(described).join(' ')}); options=(${options.map(described).join(' ')}) ;;`,
  );
  return `#compdef token-vault
# Completion of token-vault for zsh, after compinit: source <(token-vault completion zsh)
_token_vault() {
  local called=token-vault at
  local -a verbs options
  for ((at = 2; at < CURRENT; at++)); do
    case "$called \${words[at]}" in
    ${paths.join(' | ')})
      called="$called \${words[at]}" ;;
    esac
  done
  case "$called \${words[CURRENT - 1]}" in
${values.join('\n')}
  esac
  case "$called" in
${words.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe -o option options
  elif ((\${#verbs})); then
    _describe command verbs
  else
    _files
  fi
}
compdef _token_vault token-vault`;
}

/** `word:description`, quoted for the shell. */
function described({ word, description }: CompletedWord): string {
  return `'${`${word}:${description}`.replaceAll("'", "'\\''")}'`;
}
