/** Every log event, with its comments and fields, from the type and from the calls that log it. */
import { fileURLToPath } from 'node:url';
import type { Expression, Node, SourceFile } from 'typescript/unstable/ast';
import {
  isCallExpression,
  isIdentifier,
  isInterfaceDeclaration,
  isPropertyAccessExpression,
} from 'typescript/unstable/ast/is';
import { API, type Checker, type Program, SymbolFlags } from 'typescript/unstable/sync';
import type { LogLevel } from '../../../src/telemetry/log_events.ts';

export interface LogEvent {
  readonly name: string;
  readonly text: string;
  /** The levels with which it is logged, by urgency; empty: never. */
  readonly levels: readonly LogLevel[];
  readonly fields: readonly LogEventField[];
}

export interface LogEventField {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly text: string;
}

const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));
const TYPE_FILE = 'src/telemetry/log_events.ts';
const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

export interface LogEventList {
  /** What is said of all of them. */
  readonly text: string;
  readonly events: readonly LogEvent[];
}

export function logEvents(): LogEventList {
  const api = new API({ cwd: CHECKOUT });
  try {
    const [project] = api
      .updateSnapshot({ openProjects: [`${CHECKOUT}test/architecture/reference/sources.tsconfig.json`] })
      .getProjects();
    if (project === undefined) throw new Error('TypeScript does not open sources.tsconfig.json.');
    return listOf(project.program, project.checker);
  } finally {
    api.close();
  }
}

function listOf(program: Program, checker: Checker): LogEventList {
  const levels = levelsOf(program, checker);
  const list = symbolOfEvents(program, checker);
  const properties = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(list));
  const events = properties.map((event) => ({
    name: event.name,
    text: inOneLine(checker.getDocumentationCommentOfSymbol(event)),
    levels: LEVELS.filter((level) => levels.get(event.name)?.has(level)),
    fields: checker.getPropertiesOfType(known(checker.getTypeOfSymbol(event))).map((field) => {
      const type = checker.typeToString(known(checker.getTypeOfSymbol(field)));
      return {
        name: field.name,
        type: type.replace(' | undefined', ''),
        isOptional: (field.flags & SymbolFlags.Optional) !== 0 || type.endsWith(' | undefined'),
        text: inOneLine(checker.getDocumentationCommentOfSymbol(field)),
      };
    }),
  }));
  return { text: inOneLine(checker.getDocumentationCommentOfSymbol(list)), events };
}

function symbolOfEvents(program: Program, checker: Checker) {
  let found: Node | undefined;
  sourceFile(program, `${CHECKOUT}${TYPE_FILE}`).forEachChild((node) => {
    if (isInterfaceDeclaration(node) && node.name.text === 'LogEvents') found = node.name;
  });
  return known(found && checker.getSymbolAtLocation(found));
}

/** By event, from the types of the first two arguments of each `log.event(level, name, fields)`. */
function levelsOf(program: Program, checker: Checker): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const literals = (argument: Expression | undefined) =>
    argument === undefined
      ? []
      : [...checker.typeToString(known(checker.getTypeAtLocation(argument))).matchAll(/"(\w+)"/g)].map(
          ([, literal = '']) => literal,
        );
  const visit = (node: Node): void => {
    if (isCallExpression(node) && node.arguments.length === 3 && nameOf(node.expression) === 'event') {
      const [level, name] = node.arguments;
      for (const event of literals(name)) {
        const ofEvent = found.get(event) ?? new Set();
        for (const one of literals(level)) ofEvent.add(one);
        found.set(event, ofEvent);
      }
    }
    node.forEachChild(visit);
  };
  for (const name of program.getSourceFileNames()) {
    if (!name.startsWith(`${CHECKOUT}src/`)) continue;
    const file = sourceFile(program, name);
    if (file.text.includes('event(')) visit(file);
  }
  return found;
}

function nameOf(expression: Expression): string | undefined {
  if (isPropertyAccessExpression(expression)) return expression.name.text;
  return isIdentifier(expression) ? expression.text : undefined;
}

function sourceFile(program: Program, path: string): SourceFile {
  return known(program.getSourceFile(path));
}

/** What TypeScript knows; it throws where the sources do not compile. */
function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('TypeScript does not find what it must. Does `npm run types` succeed?');
  return value;
}

function inOneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}
