/** Called once when the server starts: a wrong setting stops it, with a list of every wrong one. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const { settingsOfProcess } = await import('./server/environment.ts');
  try {
    settingsOfProcess();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
