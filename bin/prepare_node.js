// Imported first by the program and by `src/main.ts`, before the modules that profit.
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import './keep_tick_object.js';

// On this signal, Node would open its inspector, which exposes the whole memory.
process.on('SIGUSR1', () => {});

// Else optimized code allocates objects of single calls in the old space, where they keep young ones alive
// (docs/adr/0042-flags-and-caches-of-node.md). Before the cache, which is of one set of flags.
setFlagsFromString('--no-allocation-site-pretenuring');

// In the folder of the program, because other users may create Node's default folder first. Without a right to write
// there is no cache. NODE_COMPILE_CACHE names another folder.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/token-vault', import.meta.url)));
