drop function zarts_one_slip, zarts_slips, zarts_near, zarts_domain_key, zarts_phone_key, zarts_name_key;
