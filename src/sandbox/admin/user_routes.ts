import { z } from 'zod';
import { type AdminRoute, bodyOf, param, policyBody } from './admin_route.ts';

const text = z.string().min(1);

/** Users (`:user` is a username or object id), and what happens to them. */
export const USER_ROUTES: AdminRoute[] = [
  {
    method: 'POST',
    path: '/sandbox/users',
    does: 'adds a user; directory_id may be left out where the domain says it; mail null: none, default the username',
    example: { username: 'edsger@contoso.example', display_name: 'Edsger Dijkstra' },
    run: (call) => {
      const body = bodyOf(
        call,
        z.strictObject({
          username: text,
          mail: text.nullable().optional(),
          displayName: text.optional(),
          directoryId: text.optional(),
          objectId: z.guid().optional(),
          guestOf: z.array(text).optional(),
        }),
      );
      const { directoryId, ...user } = body;
      return { data: call.sandbox.addUser(directoryId === undefined ? user : { ...user, directoryId }) };
    },
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/revoke-sessions',
    does: 'refresh tokens granted until now answer 50173, as after a change of the password',
    run: (call) => void call.sandbox.revokeSessions(param(call, 'user')),
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/disable',
    does: 'redemptions answer 50057',
    run: (call) => void call.sandbox.disableUser(param(call, 'user')),
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/enable',
    does: 'undoes it',
    run: (call) => void call.sandbox.enableUser(param(call, 'user')),
  },
  {
    method: 'DELETE',
    path: '/sandbox/users/:user',
    does: 'deletes the account: redemptions answer 500341',
    run: (call) => void call.sandbox.deleteUser(param(call, 'user')),
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/restore',
    does: 'undoes it',
    run: (call) => void call.sandbox.restoreUser(param(call, 'user')),
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/policy',
    does: 'redemptions (for one resource, or client_id) answer this AADSTS number until it is lifted or, satisfied_by_sign_in, the user signs in again',
    example: { code: 53003, claims: '{"access_token":{"capolids":{"essential":true,"values":["p1"]}}}' },
    run: (call) => void call.sandbox.requirePolicy(param(call, 'user'), bodyOf(call, policyBody)),
  },
  {
    method: 'DELETE',
    path: '/sandbox/users/:user/policy',
    does: 'lifts all, or that of ?resource=',
    run: (call) => void call.sandbox.liftPolicy(param(call, 'user'), call.query.get('resource') ?? undefined),
  },
  {
    method: 'POST',
    path: '/sandbox/refresh-tokens',
    does: 'a refresh token as if the user had consented; user_object_id may be a username',
    example: {
      client_id: '11111111-1111-4111-8111-111111111111',
      user_object_id: 'ada@contoso.example',
      scopes: ['Mail.Read', 'offline_access', 'openid'],
    },
    run: (call) => {
      const schema = z.strictObject({
        clientId: text,
        userObjectId: text,
        scopes: z.union([z.string(), z.array(text)]),
        directoryId: text.optional(),
      });
      return { data: { refreshToken: call.sandbox.issueRefreshToken(bodyOf(call, schema)) } };
    },
  },
];
