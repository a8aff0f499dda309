import type { ReceiverSample, Sample } from './sample.ts';

/** After a keepalive, how long a sender that is not caught up may take to send the WAL it has. */
const QUIET_SECONDS = 0.1;
/** How much longer than half its timeout a receiver's ping and the answer to it may take. */
const PROMPT_SECONDS = 0.5;

/**
 * The receiver whose last message proves where its upstream's WAL ended when it was sent, or undefined when the
 * message proves nothing. `previous` is the sample before this one.
 *
 * WAL messages carry the end of the WAL, read just before the stamp. Keepalives carry only what was *sent* so far,
 * which is the end of the WAL if the sender was caught up, and far from it if the socket was full or the sender
 * frozen. The view does not show which kind came last, so:
 *
 * - nothing came since the receiver started: its stamps are its own start, a proof of nothing;
 * - the message moved the end forward, or there is WAL it announced and we lack: a WAL message;
 * - else it is believed only if an earlier sample already had all of this same end, so that the sender's queue was
 *   empty before this message; if it answers a ping promptly, so that the sender was not frozen; and if quiet
 *   followed it, since a sender that is behind would have sent on.
 *
 * One hole is left: a sender that was frozen, answers just when a ping is due, and loses its link within a tenth of a
 * second. Without `previous` no keepalive is believed, which is right where the primary is polled instead.
 */
export function provenEnd(sample: Sample, previous: Sample | undefined): ReceiverSample | undefined {
  const receiver = streamingReceiver(sample);
  if (!receiver || receiver.isSilent) return undefined;
  if (receiver.isAdvance || receiver.writtenLsn < receiver.latestEndLsn) return receiver;
  return isIdleKeepalive(sample, receiver, previous) ? receiver : undefined;
}

/** Whether its last message answered a ping on an idle link: it cannot have waited behind others. */
export function isPrompt(sample: Sample, previous: Sample | undefined): boolean {
  const receiver = streamingReceiver(sample);
  return receiver !== undefined && !receiver.isSilent && isIdleKeepalive(sample, receiver, previous);
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
    receiver.messageSendStamp - before.messageSendStamp <= pingAfter(sample) + PROMPT_SECONDS &&
    sample.clock - receiver.messageReceiptStamp >= QUIET_SECONDS
  );
}

/** A receiver pings after half its timeout; one that waits for ever never does. */
function pingAfter({ standby }: Sample): number {
  return (standby?.receiverTimeout ?? 0) / 2;
}

/** The receiver's row when it can be read and there is a connection. */
export function streamingReceiver(sample: Sample): ReceiverSample | undefined {
  const receiver = sample.standby?.receiver;
  return receiver && receiver !== 'hidden' && receiver.status === 'streaming' ? receiver : undefined;
}
