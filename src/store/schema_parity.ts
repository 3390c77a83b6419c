import type * as postgres from './postgres/schema.ts';
import type * as sqlite from './sqlite/schema.ts';

/** The stores are written against the PostgreSQL schema; SQLite's enters by one cast, which this check makes safe. */
export type Tables = typeof postgres;

export type Row<Name extends keyof Tables> = Tables[Name]['$inferSelect'];

type Rows<Schema> = { [Name in keyof Schema]: Schema[Name] extends { $inferSelect: infer R } ? R : never };
type Inserts<Schema> = { [Name in keyof Schema]: Schema[Name] extends { $inferInsert: infer R } ? R : never };

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

// Does not compile when a table, a column, its type or its nullability differs.
true satisfies Same<Rows<typeof sqlite>, Rows<typeof postgres>>;
true satisfies Same<Inserts<typeof sqlite>, Inserts<typeof postgres>>;
