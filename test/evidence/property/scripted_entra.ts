import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { idToken, json } from '../../entra/token_endpoint.ts';
import { type Meaning, meaningOf, type Refusal } from './answers.ts';

export const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';

/** One request to the token endpoint, and its response. */
export interface Entry {
  /** The step of the sequence in which it was sent. */
  readonly step: number;
  /** The step in which it was answered; undefined: not yet. */
  answeredStep: number | undefined;
  /** By the vault's clock. */
  readonly time: number;
  /** The same, by a clock that is never set back. */
  readonly elapsed: number;
  readonly app: string;
  /** Undefined: a shared address. */
  readonly directory: string | undefined;
  readonly credential: string;
  readonly grant: Grant;
  /** The connection; undefined: a request for no connection. */
  readonly user: string | undefined;
  readonly tenant: string;
  readonly resource: string;
  readonly hasClaims: boolean;
  readonly refusal: Refusal | undefined;
  readonly meaning: Meaning | undefined;
}

/** `probe`: the vault's own request. `app`: a request for a token of the app. */
export type Grant = 'refresh' | 'code' | 'import' | 'app' | 'probe';

export type Question = Omit<Entry, 'answeredStep' | 'refusal' | 'meaning' | 'step' | 'time' | 'elapsed'>;

/** The responses of Entra in one sequence. */
export interface Script {
  /** Fields of the log that the request itself does not contain. */
  identify(asked: { clientId: string; secret: string; token: string | undefined; resource: string; path: string }): {
    app: string;
    credential: string;
    user: string | undefined;
    tenant: string;
    directory: string | undefined;
    isImport: boolean;
  };
  refusalOf(question: Question): Refusal | undefined;
  /** Undefined: answer at once. */
  hold(question: Question): Promise<void> | undefined;
  now(): { step: number; time: number; elapsed: number };
  log(entry: Entry): void;
}

export interface ScriptedEntra {
  readonly url: string;
  play(script: Script): void;
  close(): Promise<void>;
}

/** Granted for 100 s: too short for a refresh ahead of time, so that nothing happens between two steps. */
const EXPIRES_IN = 100;

export const RESOURCES = ['https://graph.microsoft.com', 'https://outlook.office.com'] as const;
/** Asked for by callers of app tokens alone, which tells these requests from the vault's probes. */
export const APP_RESOURCE = 'https://app-only.example';

/** Real HTTP on loopback. */
export async function startScriptedEntra(): Promise<ScriptedEntra> {
  let script: Script | undefined;
  let tokens = 0;

  async function answer(path: string, form: URLSearchParams, response: ServerResponse): Promise<void> {
    if (script === undefined) throw new Error('nothing is played');
    const playing = script;
    const clientId = form.get('client_id') ?? '';
    const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope.includes('://'));
    const resource = scopes[0]?.slice(0, scopes[0].lastIndexOf('/')) ?? RESOURCES[0];
    const grantType = form.get('grant_type');
    const token = form.get('refresh_token') ?? form.get('code') ?? undefined;
    const { isImport, ...known } = playing.identify({
      clientId,
      secret: form.get('client_secret') ?? '',
      token,
      resource,
      path,
    });
    const grants = { authorization_code: 'code', refresh_token: isImport ? 'import' : 'refresh' } as const;
    const own = resource === APP_RESOURCE ? 'app' : 'probe';
    const grant = grantType === 'authorization_code' || grantType === 'refresh_token' ? grants[grantType] : own;
    const hasClaims = form.get('claims')?.includes('challenge') ?? false;
    const question: Question = { ...known, grant, resource, hasClaims };
    const refusal = playing.refusalOf(question);
    const entry: Entry = {
      ...playing.now(),
      ...question,
      answeredStep: undefined,
      refusal,
      meaning: refusal && meaningOf(refusal),
    };
    playing.log(entry);
    await playing.hold(question);
    entry.answeredStep = playing.now().step;
    if (refusal !== undefined) {
      const { error, code, suberror } = refusal;
      const codes = code === undefined ? {} : { error_codes: [code] };
      json(response, 400, { error, ...codes, ...(suberror === undefined ? {} : { suberror }) });
      return;
    }
    tokens += 1;
    const user = known.user ?? 'app';
    json(response, 200, {
      token_type: 'Bearer',
      expires_in: EXPIRES_IN,
      access_token: `access-${tokens}`,
      ...(grant === 'app' || grant === 'probe'
        ? {}
        : {
            scope: scopes.join(' '),
            refresh_token: `${token?.split(' ').slice(0, 2).join(' ')} ${tokens}`,
            id_token: idToken({
              aud: clientId,
              tid: known.directory,
              iss: `https://login.example/${known.directory}/v2.0`,
              oid: user,
              nonce: 'the-nonce',
            }),
          }),
    });
  }

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const path = incoming.url?.split('/')[1] ?? '';
    await answer(path, new URLSearchParams(Buffer.concat(chunks).toString('utf8')), response);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    play(next) {
      script = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
