import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

/** A place in a file that has a source map, in one frame of a stack. */
const PLACE = /(file:\S+\.js):(\d+):(\d+)/;
const maps = new Map();

/**
 * Stack traces of the bundle name files and lines of the sources. Unlike `process.setSourceMapsEnabled`, which reads
 * all maps at the start, this reads a map when the first stack needs it.
 */
export function mapStackTraces() {
  Error.prepareStackTrace = (error, frames) => {
    const lines = frames.map((frame) => `\n    at ${String(frame).replace(PLACE, placeInSource)}`);
    return Error.prototype.toString.call(error) + lines.join('');
  };
}

function placeInSource(place, url, line, column) {
  const { fileName, lineNumber, columnNumber } = mapOf(url)?.findOrigin(Number(line), Number(column)) ?? {};
  return fileName === undefined ? place : `${new URL(fileName, url).href}:${lineNumber}:${columnNumber}`;
}

function mapOf(url) {
  if (!maps.has(url)) maps.set(url, readMap(new URL(`${url}.map`)));
  return maps.get(url);
}

function readMap(url) {
  try {
    return new SourceMap(JSON.parse(readFileSync(url, 'utf8')));
  } catch {
    return undefined;
  }
}
