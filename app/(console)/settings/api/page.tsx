// What programs can do: every route of the HTTP API in one readable list, made of the same declarations as the OpenAPI document.
import type { Metadata } from "next";
import { Card } from "#components/ui/card.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { type RouteWords, routesByTopic } from "../../../api/openapi/route-list.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "API" };

export default async function ApiPage() {
  const topics = await load(async () => routesByTopic());
  return (
    <>
      <PageHeader crumbs={[{ href: "/settings", label: "Settings" }]} title="API" />
      <div className="grid gap-4">
        <Card title="For programs">
          <div className="max-w-prose space-y-2 text-sm">
            <p>
              Send <code>Authorization: Bearer</code> with a token from the settings page; it may do what your
              role may. Lists come in pages: send <code>next</code> back as <code>cursor</code>. With an{" "}
              <code>Idempotency-Key</code> a POST may be sent twice and does its work once.
            </p>
            <p>
              The whole description, for generators of clients:{" "}
              <a className="underline" href="/api/v1/openapi.json">
                openapi.json
              </a>
              .
            </p>
          </div>
        </Card>
        {[...topics].map(([topic, routes]) => (
          <Card key={topic} title={topic} flush>
            <Routes topic={topic} routes={routes} />
          </Card>
        ))}
      </div>
    </>
  );
}

function Routes({ topic, routes }: { topic: string; routes: readonly RouteWords[] }) {
  return (
    <Table label={`Routes of ${topic}`}>
      <HeadRow>
        <Th>Call</Th>
        <Th>What it does</Th>
        <Th>Query</Th>
        <Th>Body</Th>
        <Th>Permission</Th>
      </HeadRow>
      <tbody>
        {routes.map(({ method, path, summary, query, body, permission }) => (
          <Row key={`${method} ${path}`}>
            <Td className="whitespace-nowrap">
              <code>
                {method} {path}
              </code>
            </Td>
            <Td className="min-w-56">{summary}</Td>
            <Td className="min-w-32 text-ink-2">{query.join(", ")}</Td>
            <Td className="min-w-32 text-ink-2">{body.join(", ")}</Td>
            <Td className="text-ink-2">{permission}</Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
