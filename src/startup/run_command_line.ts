import { readFileSync } from 'node:fs';
import { EXIT } from '../cli/exit_codes.ts';
import { explain } from '../cli/explain_error.ts';
import { nodeFault } from '../config/check_node_version.ts';
import { defineProgram } from './define_program.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const outdated = nodeFault(process.versions.node);
if (outdated !== undefined) {
  console.error(outdated);
  process.exit(EXIT.UNAVAILABLE);
}

const program = defineProgram({ version, streams: process, exit: (exitCode) => process.exit(exitCode) });

try {
  await program.parseAsync();
} catch (error) {
  const { exitCode, message } = explain(error) ?? { exitCode: EXIT.SOFTWARE, message: error };
  console.error(message);
  process.exitCode = exitCode;
}
