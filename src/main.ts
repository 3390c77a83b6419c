import '../bin/prepare_node.js';

// A static import would be compiled before the flag and the cache are set.
await import('./startup/run_command_line.ts');
