/** Called once when the server starts: a wrong setting stops it, with a list of every wrong one. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { requireSettings } = await import('./server/server-parts.ts');
    requireSettings();
    const { noteSocketAddresses } = await import('./server/client-address.ts');
    noteSocketAddresses();
  }
}
