import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REASONS } from '../../src/model/errors.ts';
import { startScenario } from '../scenarios/start_scenario.ts';
import { variableSections } from './reference/configuration_page.ts';
import { reasonComments, splitComment, statusName } from './reference/errors_page.ts';
import { logEvents } from './reference/log_event_list.ts';
import { LOG_EVENT_SECTIONS } from './reference/log_event_sections.ts';
import { anchorOf, anchorsOf } from './reference/markdown.ts';
import { LABEL_VALUES, meaningOf } from './reference/metric_labels.ts';
import { PAGES } from './reference/pages.ts';
import { USUAL_VALUES } from './reference/usual_values.ts';
import { vaultMetrics } from './reference/vault_metric_list.ts';

const runbook = anchorsOf(readFileSync('docs/runbook.md', 'utf8'));

test.each(Object.entries(PAGES))(
  '%s is what the sources generate: if not, run `npm run generate`',
  async (path, text) => {
    expect(readFileSync(path, 'utf8')).toBe(await text());
  },
);

test('each environment variable has a description, a format and a default', () => {
  const variables = variableSections().flatMap((section) => section.variables);
  expect(variables.length).toBeGreaterThan(60);
  expect(
    variables.filter(({ text, format, unset }) => [text, format, unset].includes('')).map(({ name }) => name),
  ).toEqual([]);
});

describe('the comment of each reason in the proto file', () => {
  const comments = reasonComments();

  test.each(REASONS)('%s begins with its gRPC status and says what to do', (reason) => {
    const { status, text } = splitComment(comments.get(reason) ?? '');
    expect(status).toBe(statusName(reason));
    expect(text.length).toBeGreaterThan(40);
  });

  test.each(REASONS)('%s has a section in the runbook', (reason) => {
    expect(runbook).toContain(reason.toLowerCase());
  });
});

describe('metrics', async () => {
  const metrics = await vaultMetrics();

  test('of a running vault are on the page', async () => {
    const scenario = await startScenario();
    const text = await (await fetch(`http://${scenario.vault.addresses.ops}/metrics`)).text();
    await scenario.close();
    const shown = [...text.matchAll(/^# TYPE (tokenvault_\w+)/gm)].map(([, name]) => name);
    expect(shown.length).toBeGreaterThan(50);
    expect(new Set(shown)).toEqual(new Set(metrics.map(({ name }) => name)));
  });

  test('have a description', () => {
    expect(metrics.filter(({ help }) => help.length < 15).map(({ name }) => name)).toEqual([]);
  });

  test('have labels with known values, or a meaning', () => {
    const unknown = metrics.flatMap(({ name, labels }) =>
      labels
        .filter((label) => label.values.length === 0 && meaningOf(name, label.name) === undefined)
        .map((label) => `${name}{${label.name}}`),
    );
    expect(unknown).toEqual([]);
  });

  test('that usual values and values of labels name exist', () => {
    const names = new Set(
      metrics.flatMap(({ name, labels }) => [name, ...labels.map((label) => `${name}.${label.name}`)]),
    );
    const named = [
      ...Object.keys(USUAL_VALUES),
      ...Object.entries(LABEL_VALUES).flatMap(([metric, values]) =>
        Object.keys(values).map((label) => `${metric}.${label}`),
      ),
    ];
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('log events', () => {
  const { events } = logEvents();

  test('have a description', () => {
    expect(events.length).toBeGreaterThan(50);
    expect(events.filter(({ text }) => text.length < 15).map(({ name }) => name)).toEqual([]);
  });

  test('are logged somewhere', () => {
    expect(events.filter(({ levels }) => levels.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test('of the levels warn and error have a section in the runbook', () => {
    const urgent = events.filter(({ levels }) => levels.includes('error') || levels.includes('warn'));
    expect(urgent.filter(({ name }) => !(name in LOG_EVENT_SECTIONS)).map(({ name }) => name)).toEqual([]);
    expect(Object.values(LOG_EVENT_SECTIONS).filter((section) => !runbook.has(anchorOf(section)))).toEqual([]);
  });
});
