'use client';

import { type ReactNode, useEffect, useRef } from 'react';
import { useAnswer } from '../asking/use-answer.ts';
import type { Call } from '../calls/call-list.ts';
import { CarrierName } from '../carriers/carrier-cell.tsx';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useIsSmall } from '../chrome/use-is-small.ts';
import { useView, type View } from '../chrome/view.tsx';
import type { CallDetailQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { type CellFilter, canFilter, excludable } from '../table/cell-filter.ts';
import { Outcome } from '../table/columns.tsx';
import { meaningOf } from '../words/causes.ts';
import { CallContext } from './call-context.tsx';
import { CallTimeline } from './call-timeline.tsx';
import { asCurl, asGraphql, asJson } from './copies.ts';
import CopyButtons from './copy-buttons.tsx';

export interface CallDrawerProps {
  readonly id: string;
  /** The row, where it is loaded: shown at once, until the rest is here. */
  readonly row: Call | undefined;
  readonly place: string;
  readonly canGoBack: boolean;
  readonly canGoOn: boolean;
  onClose(): void;
  onStep(places: -1 | 1): void;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  onOpenCall(id: string): void;
}

type Detail = NonNullable<CallDetailQuery['cdr']>;

/**
 * One call in full, beside the list, which goes on working: another row takes its place. On a phone it covers the list, so
 * there it is modal. A native dialog either way: it is given the focus, and gives it back when it is closed.
 */
export default function CallDrawer(props: CallDrawerProps) {
  const { id, row, onClose, onStep } = props;
  const { words } = useView();
  const isSmall = useIsSmall();
  const dialog = useRef<HTMLDialogElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const asked = useAnswer(operations.callDetail, { id });
  const detail = asked.isOld ? undefined : asked.answer?.data.cdr;
  const call = detail ?? row;
  const isMissing = !asked.isOld && asked.answer?.data.cdr === null && asked.answer.errors.length === 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: as the window was when the call was opened
  useEffect(() => {
    const element = dialog.current!;
    if (element.open) return;
    if (isSmall) element.showModal();
    else element.show();
    // The call itself, rather than its first button.
    inside.current?.focus();
  }, []);

  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-labelledby="drawer-title"
      onClose={onClose}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if ((event.target as Element).closest('input, select, textarea')) return;
        if (event.key === 'Escape') {
          event.preventDefault();
          dialog.current?.close();
        }
        const steps: Readonly<Record<string, -1 | 1>> = { ArrowLeft: -1, k: -1, ArrowRight: 1, j: 1 };
        const step = steps[event.key];
        if (step) {
          event.preventDefault();
          event.stopPropagation();
          onStep(step);
        }
      }}
    >
      <div className="drawer-inside" data-call={id} tabIndex={-1} ref={inside}>
        <div className="drawer-head">
          <div>
            <h2 id="drawer-title">{call ? <Outcome call={call} words={words} /> : words.drawer.title}</h2>
            <p className="aside">
              {words.columns.id} {id}
              {props.place && ` · ${props.place}`}
            </p>
          </div>
          <button
            type="button"
            className="button button-icon"
            aria-label={words.drawer.previous}
            data-hint={words.drawer.previous}
            disabled={!props.canGoBack}
            onClick={() => onStep(-1)}
          >
            <Icon name="left" />
          </button>
          <button
            type="button"
            className="button button-icon"
            aria-label={words.drawer.next}
            data-hint={words.drawer.next}
            disabled={!props.canGoOn}
            onClick={() => onStep(1)}
          >
            <Icon name="right" />
          </button>
          <button
            type="button"
            className="button button-icon"
            aria-label={words.close}
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        </div>
        {asked.error !== null && (
          <Trouble error={asked.error} retry={asked.retry} kept={row && words.drawer.rowStays} />
        )}
        {!asked.isOld && (asked.answer?.errors.length ?? 0) > 0 && (
          <p className="note note-partial" role="status" data-trouble="partial">
            <Icon name="broken" />
            {words.drawer.partial}
          </p>
        )}
        {isMissing && <p className="empty">{words.drawer.missing}</p>}
        {call && <CallFacts call={call} detail={detail ?? undefined} onFilter={props.onFilter} />}
        {call && (
          <CopyButtons
            items={[
              { name: 'json', text: () => asJson(detail ?? row) },
              { name: 'graphql', text: () => asGraphql(operations.callDetail, { id }) },
              { name: 'curl', text: () => asCurl(operations.callDetail, { id }) },
              { name: 'link', text: () => window.location.href },
            ]}
          />
        )}
        {call && <CallContext call={call} onOpen={props.onOpenCall} />}
      </div>
    </dialog>
  );
}

interface FactsProps {
  readonly call: Call;
  readonly detail: Detail | undefined;
  readonly onFilter: CallDrawerProps['onFilter'];
}

function CallFacts({ call, detail, onFilter }: FactsProps) {
  const view = useView();
  const { words, formats } = view;
  const c = words.columns;
  const seconds = (text: string | null) => (text === null ? null : `${formats.decimal(text)} s`);
  const time = (iso: string | null | undefined) =>
    iso ? <time dateTime={iso}>{formats.fullTime(iso)}</time> : null;
  const fact = (name: string, value: ReactNode, filter?: CellFilter) => (
    <Fact name={name} value={value} filter={filter} onFilter={onFilter} />
  );
  return (
    <>
      <div className="route">
        <div>
          <span className="aside">{c.cli}</span>
          <strong className="number">{call.cli ?? '–'}</strong>
        </div>
        <Icon name="arrow" />
        <div>
          <span className="aside">{c.cld}</span>
          <strong className="number">{call.cld ?? '–'}</strong>
        </div>
      </div>
      <CallTimeline call={call} setupTime={detail?.setupTime ?? null} />
      <section>
        <h3>{words.drawer.result}</h3>
        <dl className="facts">
          {fact(
            c.outcome,
            words.outcomes[call.outcome ?? 'UNKNOWN'],
            call.outcome ? { part: 'outcome', value: call.outcome } : undefined,
          )}
          {fact(
            c.disconnectCause,
            call.disconnectCause === null ? null : meaningOf(call.disconnectCause, words),
            call.disconnectCause === null
              ? undefined
              : { part: 'cause', value: String(call.disconnectCause) },
          )}
          {fact(c.disconnectReason, asWritten(call.disconnectReason))}
          {fact(c.releaseSource, detail?.releaseSource && releaseSourceOf(detail.releaseSource, words))}
        </dl>
      </section>
      <section>
        <h3>{words.drawer.numbers}</h3>
        <dl className="facts">
          {fact(c.cli, call.cli, call.cli ? { part: 'cli', value: call.cli } : undefined)}
          {fact(c.cld, call.cld, call.cld ? { part: 'cld', value: call.cld } : undefined)}
          {fact(c.cliIn, detail?.cliIn)}
          {fact(c.cldIn, detail?.cldIn)}
          {fact(
            c.country,
            call.country && formats.country(call.country),
            call.country ? { part: 'country', value: call.country } : undefined,
          )}
          {fact(c.region, asWritten(call.region))}
          {fact(c.carrier, detail?.carrier && <CarrierName carrier={detail.carrier} view={view} />)}
          {fact(c.prefix, call.prefix, call.prefix ? { part: 'prefix', value: call.prefix } : undefined)}
        </dl>
      </section>
      <section>
        <h3>{words.drawer.times}</h3>
        <dl className="facts">
          {fact(c.setupTime, time(detail?.setupTime))}
          {fact(c.connectTime, time(call.connectTime))}
          {fact(c.disconnectTime, time(call.disconnectTime))}
          {fact(c.durationSeconds, seconds(call.durationSeconds))}
          {fact(c.pddSeconds, seconds(call.pddSeconds))}
        </dl>
      </section>
      <section>
        <h3>{words.drawer.billing}</h3>
        <dl className="facts">
          {fact(
            c.chargedAmount,
            call.chargedAmount === null
              ? null
              : `${formats.decimal(call.chargedAmount, 12)} ${call.currency ?? words.noCurrency}`,
          )}
          {fact(
            c.billedSeconds,
            call.billedSeconds === null ? null : `${formats.count(call.billedSeconds)} s`,
          )}
          {fact(
            c.accountId,
            <>
              {call.accountId}{' '}
              {detail?.account?.username && <span className="aside">{detail.account.username}</span>}
            </>,
            { part: 'account', value: call.accountId },
          )}
          {fact(
            c.customerId,
            call.customerId && (
              <>
                {call.customerId}{' '}
                {detail?.customer?.name && <span className="aside">{detail.customer.name}</span>}
              </>
            ),
            call.customerId ? { part: 'customer', value: call.customerId } : undefined,
          )}
        </dl>
      </section>
      <section>
        <h3>{words.drawer.technical}</h3>
        <dl className="facts">
          {fact(c.remoteIp, call.remoteIp, call.remoteIp ? { part: 'ip', value: call.remoteIp } : undefined)}
          {fact(c.userAgent, asWritten(detail?.userAgent))}
          {fact(
            c.callId,
            detail?.callId && <span className="breakable">{detail.callId}</span>,
            detail?.callId ? { part: 'callId', value: detail.callId } : undefined,
          )}
        </dl>
      </section>
    </>
  );
}

/** The switch's own words, in its language. */
function asWritten(text: string | null | undefined): ReactNode {
  return text ? <span translate="no">{text}</span> : null;
}

/** In words where it is one of those that the gateway tells apart. */
function releaseSourceOf(stored: string, words: View['words']): string {
  return Object.hasOwn(words.releaseSources, stored)
    ? words.releaseSources[stored as keyof typeof words.releaseSources]
    : stored;
}

interface FactProps {
  readonly name: string;
  readonly value: ReactNode;
  readonly filter: CellFilter | undefined;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
}

function Fact({ name, value, filter, onFilter }: FactProps) {
  const { words, user } = useView();
  const isEmpty = value === null || value === undefined || value === '';
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>
        <span>{isEmpty ? <span className="nothing">–</span> : value}</span>
        {filter && canFilter(filter, user) && (
          <span className="fact-actions">
            <button
              type="button"
              className="button-bare"
              aria-label={`${words.table.only}: ${name}`}
              data-hint={words.table.only}
              onClick={() => onFilter(filter, false)}
            >
              <Icon name="include" />
            </button>
            {filter.part in excludable && (
              <button
                type="button"
                className="button-bare"
                aria-label={`${words.table.without}: ${name}`}
                data-hint={words.table.without}
                onClick={() => onFilter(filter, true)}
              >
                <Icon name="exclude" />
              </button>
            )}
          </span>
        )}
      </dd>
    </div>
  );
}
