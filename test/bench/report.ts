import { cpus, loadavg, release, totalmem } from 'node:os';
import { type Figure, isMet, type SectionReport } from './section.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly kernel: string;
  readonly node: string;
  readonly load: string;
}

export function machine(loadName: string): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    kernel: release(),
    node: process.version,
    load: loadName,
  };
}

/** Other load on the machine distorts the figures, ratios the least. */
export function busyWarning(): string | undefined {
  const [lastMinute = 0] = loadavg();
  return lastMinute < 0.5 ? undefined : `the machine is busy (load ${lastMinute.toFixed(2)}): expect wider spreads`;
}

export function table(sections: readonly SectionReport[]): string {
  const rows = sections.flatMap(({ title, figures }) => [undefined, title, ...figures]);
  const width = Math.max(...sections.flatMap(({ figures }) => figures.map(({ name }) => name.length)));
  return rows
    .map((row) => (row === undefined ? '' : typeof row === 'string' ? row : figureLine(row, width)))
    .join('\n');
}

function figureLine(figure: Figure, width: number): string {
  const { name, value, unit } = figure;
  const number = (one: number) => show(one, unit);
  const middle = `${number(value.low)} - ${number(value.high)}`;
  const line = `  ${name.padEnd(width)}  ${number(value.median).padStart(9)} ${unitName(unit).padEnd(7)}  ${middle.padEnd(21)}  n=${value.rounds}`;
  return figure.aim === undefined ? line : `${line}  ${verdict(figure)}`;
}

function verdict(figure: Figure): string {
  const { aim, unit } = figure;
  if (aim === undefined) return '';
  const wanted = 'atLeast' in aim ? `at least ${show(aim.atLeast, unit)}` : `at most ${show(aim.atMost, unit)}`;
  return `${isMet(figure) ? 'ok' : 'MISSED'} (aim: ${wanted})`;
}

function show(value: number, unit: Figure['unit']): string {
  if (unit === 'ratio' || unit === '%') return value.toFixed(2);
  if (unit === 'share') return value.toFixed(4);
  return unit === 'ms' ? value.toFixed(0) : Math.round(value).toLocaleString('en');
}

function unitName(unit: Figure['unit']): string {
  if (unit === 'share') return '';
  return unit === 'ratio' ? 'x' : unit;
}
