import type { Config } from '../../config/config_interface.ts';
import { readConfig } from '../../config/read_config_from_environment.ts';
import { EXIT } from '../exit_codes.ts';
import { explain } from '../explain_error.ts';
import { checkDatabase, checkRootKey } from './database_checks.ts';
import { checkClientCas, checkTls } from './tls_check.ts';
import {
  checkAuditFile,
  checkCallers,
  checkCatalogs,
  checkEventGridKeys,
  checkSinks,
} from './validate_file_contents.ts';

/** Resolves with what was found; rejects as the start of the vault would. */
type Check = (config: Config) => Promise<string>;

/** In the order in which the vault starts. */
const CHECKS: ReadonlyArray<readonly [name: string, check: Check]> = [
  ['database', checkDatabase],
  ['root key', checkRootKey],
  ['audit log', checkAuditFile],
  ['catalogs', checkCatalogs],
  ['Event Grid keys', checkEventGridKeys],
  ['callers file', checkCallers],
  ['sinks file', checkSinks],
  ['TLS files', checkTls],
  ['client CAs', checkClientCas],
];

/** Prints each check with its result, and returns the exit code of the first one that failed. */
export async function checkConfig(): Promise<number> {
  let exitCode: number = EXIT.OK;
  const run = async <T>(name: string, check: () => Promise<readonly [T, string]>): Promise<T | undefined> => {
    try {
      const [value, found] = await check();
      print(name, 'ok', found);
      return value;
    } catch (error) {
      const failure = explain(error);
      if (failure === undefined) throw error;
      print(name, 'failed', failure.message);
      if (exitCode === EXIT.OK) ({ exitCode } = failure);
      return undefined;
    }
  };
  const config = await run('configuration', async () => [readConfig(), 'every variable is valid'] as const);
  if (config === undefined) {
    console.log('The other checks need a valid configuration: correct it, and run the command again.');
    return exitCode;
  }
  for (const [name, check] of CHECKS) await run(name, async () => [undefined, await check(config)] as const);
  console.log(exitCode === EXIT.OK ? 'The vault would start.' : FAILED);
  return exitCode;
}

const FAILED =
  'The vault would not start. Each failed check says what to do; docs/runbook.md, "The vault does not start".';

function print(name: string, result: 'ok' | 'failed', text: string): void {
  const [first = '', ...others] = text.split('\n');
  console.log([`${name.padEnd(16)} ${result.padEnd(7)} ${first}`, ...others].join(`\n${' '.repeat(25)}`));
}
