import type { CompletedCommand } from './command_tree.ts';

/** A script for bash. It starts no process, so that TAB is fast and works without a vault. */
export function bashCompletion(tree: readonly CompletedCommand[]): string {
  const paths = tree.slice(1).map(({ path }) => `'${path}'`);
  const values = tree.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ word, choices }) => `    '${path} ${word}') words='${choices.join(' ')}' ;;`),
  );
  const words = tree.map(
    ({ path, words: own, options }) =>
      `    '${path}') words='${[...own, ...options].map(({ word }) => word).join(' ')}' ;;`,
  );
  return `# Completion of token-vault for bash: source <(token-vault completion bash)
_token_vault() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" called=token-vault words at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$called \${COMP_WORDS[at]}" in
    ${paths.join(' | ')})
      called="$called \${COMP_WORDS[at]}" ;;
    esac
  done
  case "$called $before" in
${values.join('\n')}
  *)
    case "$called" in
${words.join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _token_vault token-vault`;
}
