import { BearerError, checkBearer } from '../graph/bearer_token.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { type HttpResponse, json } from '../http/http_response.ts';
import type { SandboxState } from '../state/state.ts';

/**
 * `/outlook/imap-check` (any method, `Authorization: Bearer`): would Outlook's IMAP server take this token?
 * 200 `{ ok: true, username }`; 401 `{ ok: false, reason }`; 403 for a token without `IMAP.AccessAsUser.All`.
 * A Graph token is refused even when it carries a permission of that name.
 */
export async function answerImapCheck(
  world: SandboxState,
  _path: string,
  request: SandboxRequest,
): Promise<HttpResponse> {
  try {
    const bearer = await checkBearer(world, request, 'outlook');
    if (!bearer.permissions.has('IMAP.AccessAsUser.All')) return json(403, { ok: false, reason: 'missing_permission' });
    const user = world.users.find(bearer.objectId);
    if (user === undefined) return json(403, { ok: false, reason: 'no_mailbox' });
    return json(200, { ok: true, username: user.username });
  } catch (error) {
    if (!(error instanceof BearerError)) throw error;
    return json(401, { ok: false, reason: error.fault }, { 'www-authenticate': 'Bearer error="invalid_token"' });
  }
}
