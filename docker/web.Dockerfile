# The call explorer. Build it from the root: docker build -f docker/web.Dockerfile -t cdr-call-explorer .
ARG NODE_IMAGE=node:24.19.0-trixie-slim

FROM ${NODE_IMAGE} AS build
ENV NEXT_TELEMETRY_DISABLED=1
# As deep as in the repository: the client is found beside it.
WORKDIR /build/examples/nextjs
COPY packages/client /build/packages/client
COPY examples/nextjs/package.json examples/nextjs/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY examples/nextjs ./
RUN npm run build

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 HOSTNAME=0.0.0.0 PORT=3000
WORKDIR /app
# Next copies what the server needs, and only that, packages included.
COPY --from=build /build/examples/nextjs/.next/standalone ./
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/sign-in`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "server.js"]
