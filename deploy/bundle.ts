import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** Packages with native code, and those that a vault without Azure key sources never loads. */
const EXTERNAL = [
  'better-sqlite3',
  '@azure/identity',
  '@azure/keyvault-certificates',
  '@azure/keyvault-keys',
  '@azure/keyvault-secrets',
  'pg-native',
];

/** CommonJS packages in an ES module call `require` for Node's own modules. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Bundles TypeScript programs (name of the output: entry point) with their packages into `folder`, one chunk per
 * dynamic import, with source maps. Files that the sources find by `import.meta.url` stay where they are, and so do
 * modules whose import matches `outside`.
 */
export async function bundle(
  programs: Readonly<Record<string, string>>,
  folder: string,
  outside = /^$/,
): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: programs,
    outdir: folder,
    external: EXTERNAL,
    banner: { js: REQUIRE },
    plugins: [fileUrls(folder), keepOutside(folder, outside), lazyExports()],
    bundle: true,
    minifyWhitespace: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // Some packages' CommonJS build requires files by names that are computed.
    mainFields: ['module', 'main'],
    target: 'node22.18',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** Replaces `import.meta.url` by the URL of the source file, relative to the output: all outputs are in one folder. */
function fileUrls(folder: string): Plugin {
  return {
    name: 'file-urls',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/](?:bin|src|test)[\\/].*\.[jt]s$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes('import.meta.url')) return undefined;
        const url = JSON.stringify(relative(folder, path).replaceAll(sep, '/'));
        return { contents: source.replaceAll('import.meta.url', `new URL(${url}, import.meta.url)`), loader: 'ts' };
      });
    },
  };
}

function keepOutside(folder: string, imports: RegExp): Plugin {
  return {
    name: 'keep-outside',
    setup({ onResolve }) {
      onResolve({ filter: imports }, ({ path, resolveDir }) => ({
        path: relative(folder, join(resolveDir, path)).replaceAll(sep, '/'),
        external: true,
      }));
    },
  };
}

/** A static import of `node:http` evaluates all its exports, which loads Node's own undici: a tenth of the start. */
function lazyExports(): Plugin {
  return {
    name: 'lazy-exports',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
        kind === 'import-statement' ? { path: 'node:http', namespace: 'lazy-exports' } : undefined,
      );
      onLoad({ filter: /^/, namespace: 'lazy-exports' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      }));
    },
  };
}
