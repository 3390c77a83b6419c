import { createHook } from 'node:async_hooks';

/**
 * One object of `process.nextTick`, for the whole life of the process. It keeps the hidden classes of such objects alive. If a
 * full garbage collection finds no tick, V8 drops them, and from then on each tick costs 0.4 instead of 0.07 us
 * (docs/adr/0042-flags-and-caches-of-node.md).
 */
export let tickObject;

const hook = createHook({
  init(_asyncId, type, _trigger, resource) {
    if (type === 'TickObject') tickObject = resource;
  },
}).enable();
process.nextTick(() => {});
hook.disable();
