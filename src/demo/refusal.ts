/** The reason why a call was refused; `OK` where it was not. */
export async function refusal(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  }
  return 'OK';
}
