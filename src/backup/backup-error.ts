/** Why a backup, a restore or a drill did not come about, in a sentence for a person at a terminal. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}
