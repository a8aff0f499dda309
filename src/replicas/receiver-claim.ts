import type { ReceiverSample, Sample } from './sample.ts';

/** After a keepalive, how long a sender that is not caught up may take to send the WAL it has. */
const QUIET_SECONDS = 0.1;

/**
 * The receiver whose last message proves where its upstream's WAL ended when it was sent, or undefined when the
 * message proves nothing. `previous` is the sample before this one.
 *
 * WAL messages carry the end of the WAL, read just before the stamp. Keepalives carry only what was *sent* so far,
 * which is the end of the WAL if the sender was caught up, and far from it if the socket was full or the sender
 * frozen. The view does not tell which kind came last, so:
 *
 * - nothing came since the receiver started: its stamps are its own start, a proof of nothing;
 * - the message moved the end forward, or there is WAL it announced and we lack: a WAL message;
 * - else it is believed only if an earlier sample already had all of this same end, so that the sender's queue was
 *   empty before this message, and if quiet followed it: a sender that is behind would have sent on.
 */
export function provenEnd(sample: Sample, previous: Sample | undefined): ReceiverSample | undefined {
  const receiver = streamingReceiver(sample);
  if (!receiver || receiver.isSilent) return undefined;
  if (receiver.isAdvance || receiver.writtenLsn < receiver.latestEndLsn) return receiver;
  return isIdleKeepalive(sample, receiver, previous) ? receiver : undefined;
}

function isIdleKeepalive(sample: Sample, receiver: ReceiverSample, previous: Sample | undefined): boolean {
  const before = previous && streamingReceiver(previous);
  return (
    before !== undefined &&
    before.pid === receiver.pid &&
    before.latestEndLsn === receiver.latestEndLsn &&
    before.latestEndStamp === receiver.latestEndStamp &&
    before.writtenLsn >= before.latestEndLsn &&
    before.messageSendStamp < receiver.messageSendStamp &&
    sample.clock - receiver.messageReceiptStamp >= QUIET_SECONDS
  );
}

/** The receiver's row when it can be read and there is a connection. */
export function streamingReceiver(sample: Sample): ReceiverSample | undefined {
  const receiver = sample.standby?.receiver;
  return receiver && receiver !== 'hidden' && receiver.status === 'streaming' ? receiver : undefined;
}
