-- Whether a pricing keeps within a condition, whatever options the client takes. What is not known keeps within nothing.
create or replace function zarts_keeps_within(said jsonb, measure text, number numeric) returns boolean language sql immutable as $$
  with line as (
    select n, (r ->> 'optional')::boolean as optional, case r ->> 'recurring' when 'monthly' then 12 else 1 end as often,
           (r ->> 'quantity')::numeric * (r ->> 'unit_price')::numeric * l.off * w.off / 10000 as net,
           100 - l.off * w.off / 100 as discount, 100 + (r ->> 'tax')::numeric as taxed,
           (r ->> 'internal_cost')::numeric as cost
      from jsonb_array_elements(said -> 'prices') with ordinality e(r, n),
           lateral (select 100 - (r ->> 'discount')::numeric) l(off),
           lateral (select 100 - coalesce((said ->> 'discount')::numeric, 0)) w(off)
  ), firm as (
    select coalesce(sum(often * net), 0) as paid, coalesce(sum(often * cost), 0) as cost from line where not optional
  ), choice as (
    -- The options that cost us most for what they bring come first: one of these beginnings is the worst choice.
    select paid, cost from firm
    union all
    select firm.paid + sum(often * net) over worst, firm.cost + sum(often * line.cost) over worst
      from line, firm where optional
    window worst as (
      order by case when net > 0 then line.cost / net when line.cost > 0 then 'infinity'::numeric else 0 end desc, n)
  )
  select case measure
    when 'discount' then
      coalesce((select max(discount) from line), (said ->> 'discount')::numeric, 0) <= number
    when 'first_year' then
      (select coalesce(sum(often * round(net * taxed / 100, zarts_decimals(said ->> 'currency'))) filter (where not optional), 0) from line) >= number
    when 'margin' then
      not exists (select from line where cost is null)
      and exists (select from choice where paid > 0)
      and not exists (select from choice where case when paid > 0 then 100 * (paid - cost) < number * paid else cost > 0 end)
  end
$$;
