import { fileURLToPath } from 'node:url';
import { buildProgram } from './build_program.ts';

await buildProgram(fileURLToPath(new URL('..', import.meta.url)));
