/** The operation that a publisher subscribes with: what is selected of a call is what is published. */
export function publishedDocument(fields: readonly string[]): string {
  const call = [...new Set(['id', 'accountId', ...fields])].join(' ');
  return (
    `subscription Publish { cdrs { cursor asOf stalenessSeconds mayRepeat inserted { ${call} } corrected { ${call} } ` +
    'deletedIds departures { cdrId accountId } gap { reason message } } }'
  );
}
