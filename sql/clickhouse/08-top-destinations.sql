-- The destinations with the most bytes in the last hour, over all routers.
SELECT dst, dport, count() AS flows, uniq(router) AS routers, sum(bytes) + sum(bytes_reply) AS total
FROM flows FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 3600, 3600)
    AND started_ms >= (toUnixTimestamp(now()) - 3600) * 1000
GROUP BY dst, dport ORDER BY total DESC LIMIT 20;
