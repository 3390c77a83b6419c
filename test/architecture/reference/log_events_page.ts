/** `docs/log-events.md`: every event of the log, with its fields and levels. */
import { type LogEvent, type LogEventField, logEvents } from './log_event_list.ts';
import { LOG_EVENT_SECTIONS } from './log_event_sections.ts';
import { anchorOf, code, head, list, paragraph } from './markdown.ts';

export function logEventsPage(): string {
  const { text, events } = logEvents();
  return (
    head('Log events', ['src/telemetry/log_events.ts']) +
    paragraph(
      'Every event of the log: JSON lines on standard error, each with `level`, `time` (RFC 3339), `event` and the fields below.',
    ) +
    '    {"level":"warn","time":"2027-01-31T09:12:44.120Z","event":"sink_failing","sink":"ops","error":"HTTP 503"}\n\n' +
    list([
      '`TOKENVAULT_LOG_LEVEL` sets the least level that is written ([configuration.md](configuration.md#tokenvault_log_level)).',
      '**error:** act now. **warn:** look at it in working hours. **info:** what happened. **debug:** every request.',
      text,
      '`…Uid` is the `uid` of a resource in the API; `token-vault connections show` prints that of a connection.',
      'The log is not the record of calls: that is the [audit log](runbook.md#the-audit-log). If nobody reads the log, lines are [dropped](runbook.md#the-log-is-not-read).',
    ]) +
    events.map(eventText).join('').trimEnd() +
    '\n'
  );
}

function eventText({ name, text, levels, fields }: LogEvent): string {
  const section = LOG_EVENT_SECTIONS[name as keyof typeof LOG_EVENT_SECTIONS];
  return `## ${name}\n\n${paragraph(text)}${list([
    `Level: ${levels.join(' or ')}`,
    fields.length === 0 ? undefined : `Fields: ${fields.map(fieldText).join(', ')}`,
    ...fields.filter((field) => field.text !== '').map((field) => `${code(field.name)}: ${field.text}`),
    section && `What to do: [${section}](runbook.md#${anchorOf(section)})`,
  ])}`;
}

function fieldText({ name, type, isOptional }: LogEventField): string {
  const notes = [...(type === 'string' ? [] : [type]), ...(isOptional ? ['optional'] : [])];
  return notes.length === 0 ? code(name) : `${code(name)} (${notes.join(', ')})`;
}
