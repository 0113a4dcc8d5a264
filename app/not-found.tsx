// A link to something that does not exist, or no longer.
import { SearchX } from "lucide-react";
import { LinkButton } from "#components/ui/button.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";

export default function NotFound() {
  return (
    <main className="mx-auto max-w-md py-20">
      <EmptyState icon={SearchX} title="Not found" action={<LinkButton href="/">To the overview</LinkButton>}>
        There is nothing at this address. It may have been removed, or the link is mistyped.
      </EmptyState>
    </main>
  );
}
