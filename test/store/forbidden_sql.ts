import { parse } from 'pgsql-parser';

const SYSTEM_COLUMNS = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);
const FUNCTIONS = /^(pg_snapshot_|pg_current_xact_id|pg_current_snapshot|pg_xact_|txid_|nextval$|setval$|currval$)/;

/** Node types of the parser, by https://github.com/pganalyze/libpg_query */
const NODES: Readonly<Record<string, string>> = {
  CreateTrigStmt: 'a trigger',
  CreateFunctionStmt: 'a function',
  DoStmt: 'PL/pgSQL',
  LockingClause: 'a row lock of a SELECT, which must not outlive a round trip',
  ListenStmt: 'LISTEN, which needs a session',
  PrepareStmt: 'PREPARE, which needs a session',
  DeclareCursorStmt: 'a cursor, which needs a transaction of several round trips',
};

/**
 * What a statement uses that not every database with PostgreSQL's protocol has, or that does not work through a pooler.
 */
export async function forbiddenIn(text: string): Promise<string[]> {
  const found: string[] = [];
  visit(await parse(text), (type, node) => {
    const named = NODES[type];
    if (named !== undefined) found.push(named);
    if (type === 'ColumnRef')
      for (const name of namesIn(node['fields'])) if (SYSTEM_COLUMNS.has(name)) found.push(`the system column ${name}`);
    if (type === 'FuncCall')
      for (const name of namesIn(node['funcname'])) if (FUNCTIONS.test(name)) found.push(`the function ${name}`);
    if (type === 'Constraint' && node['contype'] === 'CONSTR_EXCLUSION') found.push('an exclusion constraint');
    if (type === 'VariableSetStmt' && node['is_local'] !== true) found.push('SET without LOCAL, which needs a session');
  });
  return found;
}

type Node = Readonly<Record<string, unknown>>;

function visit(value: unknown, see: (type: string, node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, see);
  else if (typeof value === 'object' && value !== null) {
    for (const [type, child] of Object.entries(value)) {
      if (typeof child === 'object' && child !== null && !Array.isArray(child)) see(type, child as Node);
      visit(child, see);
    }
  }
}

function namesIn(parts: unknown): string[] {
  return (parts as { String?: { sval: string } }[]).flatMap(({ String: name }) => name?.sval ?? []);
}
