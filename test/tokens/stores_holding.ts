import type { HeldLease, Stores } from '../../src/store/store_interfaces.ts';

/** The stores; `wrap` decorates each lease of a grant. */
export function storesHolding(stores: Stores, wrap: (held: HeldLease) => Partial<HeldLease>): Stores {
  const { grants } = stores;
  return {
    ...stores,
    grants: {
      ...grants,
      async lease(...args) {
        const held = await grants.lease(...args);
        return held && { ...held, ...wrap(held) };
      },
    },
  };
}
