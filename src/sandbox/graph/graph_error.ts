/** An error of Graph: its HTTP status and code. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  readonly status: number;
  readonly code: string;
  readonly details: GraphErrorDetail[] | undefined;

  constructor(status: number, code: string, message: string, details?: GraphErrorDetail[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export interface GraphErrorDetail {
  code: string;
  message: string;
  target: string;
}
