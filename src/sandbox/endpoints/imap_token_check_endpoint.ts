import type { EndpointCall } from '../endpoint_call.ts';
import { BearerError, checkBearer } from '../graph/check_bearer_token.ts';
import { type HttpResponse, json } from '../http/http_response.ts';

/**
 * `/outlook/imap-check` (any method, `Authorization: Bearer`): whether Outlook's IMAP server would accept this token.
 * 200 `{ ok: true, username }`; 401 `{ ok: false, reason }`; 403 for a token without `IMAP.AccessAsUser.All`.
 * A Graph token is rejected even if it has a permission of that name.
 */
export async function answerImapCheck({ state, request }: EndpointCall): Promise<HttpResponse> {
  try {
    const bearer = await checkBearer(state, request, 'outlook');
    if (!bearer.permissions.has('IMAP.AccessAsUser.All')) return json(403, { ok: false, reason: 'missing_permission' });
    const user = state.users.find(bearer.objectId);
    if (user === undefined) return json(403, { ok: false, reason: 'no_mailbox' });
    return json(200, { ok: true, username: user.username });
  } catch (error) {
    if (!(error instanceof BearerError)) throw error;
    return json(401, { ok: false, reason: error.fault }, { 'www-authenticate': 'Bearer error="invalid_token"' });
  }
}
