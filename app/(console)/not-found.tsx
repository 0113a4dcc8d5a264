// An id that names nothing, inside the frame.
import { SearchX } from "lucide-react";
import { LinkButton } from "#components/ui/button.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";

export default function NotFound() {
  return (
    <EmptyState icon={SearchX} title="Not found" action={<LinkButton href="/">To the overview</LinkButton>}>
      Nothing has this id. It may have been removed, or the link is mistyped.
    </EmptyState>
  );
}
