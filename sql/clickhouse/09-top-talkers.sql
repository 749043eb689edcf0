-- The inside hosts with the most bytes in the last hour.
SELECT router, src, count() AS flows, sum(bytes) AS sent, sum(bytes_reply) AS received
FROM flows FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 3600, 3600)
    AND started_ms >= (toUnixTimestamp(now()) - 3600) * 1000
GROUP BY router, src ORDER BY sent + received DESC LIMIT 20;
