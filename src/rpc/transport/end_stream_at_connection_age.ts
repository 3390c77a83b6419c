import { ServerInterceptingCall, status } from '@grpc/grpc-js';

type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

const CONNECTION_TOO_OLD: Status = {
  code: status.UNAVAILABLE,
  details: 'The connection reached its maximum age. Open the stream again on a new connection.',
};

/** A streaming call that the transport can end. Later messages of its handler are dropped. */
export class EndableCall extends ServerInterceptingCall {
  #isEnded = false;

  end(): void {
    if (this.#isEnded) return;
    super.sendStatus(CONNECTION_TOO_OLD);
    this.#isEnded = true;
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#isEnded) callback();
    else super.sendMessage(message, callback);
  }

  override sendStatus(given: Status): void {
    if (!this.#isEnded) super.sendStatus(given);
  }
}
