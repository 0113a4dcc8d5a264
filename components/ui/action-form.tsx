"use client";

// A form bound to a server action. It sends a requestId made when the form appeared and renewed after each success, so
// that a double click is one wish and a later click is a new one; it shows the action's failure with its hint in place.
import { LoaderCircle } from "lucide-react";
import {
  type ReactNode,
  type SubmitEvent,
  startTransition,
  useActionState,
  useEffect,
  useRef,
  useState,
} from "react";
import { useFormStatus } from "react-dom";
import { type ButtonVariant, buttonClass } from "./button.tsx";
import { type FormAction, type FormState, IDLE } from "./form-state.ts";
import { Notice } from "./notice.tsx";

export function ActionForm({
  action,
  fields = {},
  children,
  className,
  onDone,
  keepFields = false,
}: {
  action: FormAction;
  /** Hidden values. */
  fields?: Readonly<Record<string, string>>;
  children: ReactNode;
  className?: string;
  onDone?: (state: FormState) => void;
  /** What was entered stays after an answer: a long form that was refused for one field must not be filled in anew. */
  keepFields?: boolean;
}) {
  const [state, submit] = useActionState(action, IDLE);
  const [requestId, setRequestId] = useState(newRequestId);
  const seen = useRef<FormState>(IDLE);
  useEffect(() => {
    if (state === seen.current) return;
    seen.current = state;
    if (state.status !== "done") return;
    setRequestId(newRequestId());
    onDone?.(state);
  }, [state, onDone]);
  // React empties a form whose action has run; one that is sent by hand it leaves alone.
  const submitKept = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const filled = new FormData(event.currentTarget);
    startTransition(() => submit(filled));
  };
  return (
    <form action={submit} onSubmit={keepFields ? submitKept : undefined} className={className}>
      {/* Server and browser each make one on first draw; either is as good, as long as it is one per form. */}
      <input type="hidden" name="requestId" value={requestId} suppressHydrationWarning />
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      {children}
      <div aria-live="polite">
        {state.status === "failed" ? (
          <div className="mt-3">
            <Notice tone="bad" title={state.message} hint={state.hint} />
          </div>
        ) : null}
        {state.status === "done" ? (
          <div className="mt-3">
            <Notice tone="ok" title={state.message}>
              {state.secret === undefined ? undefined : <Secret text={state.secret} />}
            </Notice>
          </div>
        ) : null}
      </div>
    </form>
  );
}

export function SubmitButton({
  children,
  variant = "primary",
  disabled = false,
  className,
}: {
  children: ReactNode;
  variant?: ButtonVariant;
  disabled?: boolean;
  className?: string;
}) {
  const { pending } = useFormStatus();
  return (
    <button
      type="submit"
      disabled={disabled || pending}
      aria-busy={pending}
      className={buttonClass(variant, className)}
    >
      {pending ? <LoaderCircle aria-hidden size={14} className="animate-spin" /> : null}
      {children}
    </button>
  );
}

/** Shown once, never stored where it could be read again. */
function Secret({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <div className="flex flex-wrap items-center gap-2">
      <code className="min-w-0 break-all rounded bg-surface px-2 py-1 font-mono text-xs select-all">
        {text}
      </code>
      {globalThis.navigator?.clipboard === undefined ? null : (
        <button type="button" className={buttonClass("secondary")} onClick={copy}>
          {copied ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}

/** A version 4 UUID. crypto.randomUUID exists only on HTTPS and localhost; a school's server is often neither. */
function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
