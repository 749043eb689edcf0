-- Which processes changed the steering in the last week, on how many routers.
SELECT process, count() AS times, uniq(router) AS routers, max(time_ms) AS last_ms, any(what) AS example
FROM tampering FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 604800, 3600)
    AND time_ms >= (toUnixTimestamp(now()) - 604800) * 1000
GROUP BY process ORDER BY times DESC LIMIT 100;
