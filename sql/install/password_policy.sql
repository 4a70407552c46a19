CREATE TABLE bestauth.blocked_password (
	word       text PRIMARY KEY COLLATE "C",
	builtin    boolean NOT NULL DEFAULT false,
	created_at timestamptz DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.blocked_password IS
'Words that no new password may be made of alone, see docs/passwords.md. The operator adds more; what comes with the extension is not dumped.';
COMMENT ON COLUMN bestauth.blocked_password.word IS
'Small letters and digits, accents and signs taken off; brought to that form when it is inserted.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.blocked_password', 'WHERE NOT builtin');

-- Words that people begin with when they think of a password, and walks over the
-- keyboard.
INSERT INTO bestauth.blocked_password (word, builtin, created_at)
SELECT word, true, NULL FROM regexp_split_to_table(trim(E' \t\n' FROM $words$
	123456a 123abc 123qwe 12qwaszx 1q2w3e 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u
	1q2w3e4r5t6y7u8i 1qaz2wsx 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw2 a1b2c3 a1b2c3d4 a1b2c3d4e5 
	abc abc123 abcd abcd1234 abcde abcdef abcdefg abcdefgh access accessdenied
	admin admin123 administrator adventure airforce alejandro alexander alexandra alexis always amanda
	amen america american andres andrew angel angelina angels anna anthony antonio anything apollo apple
	apples april argentina army arsenal asd123 asdasd asdf asdfgh asdfghjk asdfghjkl asdfghjklqwertyuiop
	ashley asshole atlanta atlantis audi august autumn avatar avengers azerty babe baby babyboy babygirl
	bacon bailey banana barbara barcelona baseball basketball bastard batman bayern beach bear bears
	beatles beer benjamin berlin bestfriend bestfriends bible biller billing birthday bitch black blah
	blahblah blessed blessing blue blueberry bmw boss boston boxing boyfriend brandon brasil brazil
	brian brittany broncos brother budweiser bulls bullshit bunny burger business buster butterfly
	california callofduty camaro camila canada candy career carlos carolina cat cats celtics champion
	change changeit changeme charizard charles charlie charlotte cheese cheesecake chelsea cherry
	chevrolet chevy chicago chicken china chocolate christ christian christmas christopher church claims
	clinic cocacola cock coffee college colombia company computer cookie cookies corvette counterstrike
	cowboys cricket crystal cubs cupcake dad daddy daisy dallas daniel daniela danielle darling
	darthvader database david december default dental dentist denver desert devil diamond diamonds dick
	diego discovery doctor dodgers dog doggy dogs dollar dolphin dolphins dontknow dragon dragon1
	dragonball dragons drums duck eagle eagles earth easter eduardo elephant elizabeth elvis emerald
	emily eminem emma employee england enterprise eric everything explorer facebook faith falcon fall
	family father february fernando ferrari fire firefighter fireman fitness florida flower flowers
	football ford forest forever forget forgot fortnite france francisco freedom friday friend friends
	frodo fuck fucker fucking fuckme fuckoff fuckyou gabriel galaxy gameofthrones gandalf garfield
	germany giants ginger girlfriend gmail godisgood goku gold golden golf golfer goodbye google grace
	green guest guitar gymnastics hahaha halloween halo hamster hannah happiness happy happybirthday
	harley harleydavidson harrypotter hawk health healthcare heather heaven heineken hello hellohello
	hellokitty helloworld hiphop hobbit hockey hogwarts holiday hollywood honda honey honeybee hooters
	hope horse hospital hotmail houston hulk hunter hurricane husband idontknow iforgot ilovegod
	ilovejesus iloveme iloveu iloveyou iloveyoubaby iloveyouforever iloveyousomuch india instagram
	insurance internet ironman isabella island italy jaguar james jamesbond january jasmine jason javier
	jedi jeffrey jennifer jessica jesus jesuschrist job john johnny jonathan jordan jose joseph joshua
	juan july june jupiter justin juventus kawasaki kevin keyboard king kingkong kitten kitty knight
	lakers laptop lasvegas laura lemon letmein letmeinnow liberty lightning lily linda linkedin lion
	lions liverpool lkjhgfdsa login logmein lol lollol london lord lordjesus lordoftherings losangeles
	love lovelove lovely loveme lover loverboy lovers loveyou luck lucky luigi luis madison madrid
	maggie magic manager manchester mango manuel manutd march margaret maria mariana marine marines
	mario marriage mars mary master mastermind matrix matthew max may medicaid medical medicare medicine
	melissa mercedes mercury merlin metallica mets mexico miami michael michelle mickey mickeymouse
	microsoft miguel million millionaire minecraft minnie mnbvcxz molly mom mommy monday money monitor
	monkey monkey1 monkeys moon moonlight morgan moscow mother mountain mouse music mustang mypass
	mypassword mypasswordis mysql mystery naruto nasa natalie nathan navy never newpassword newyear
	newyork nicholas nicole nigger ninja nintendo nirvana nissan nopassword nothing november noway
	number numberone nurse ocean october office olivia one onepiece oracle orange p4ssword pa55word
	packers panther paris pass pass123 passcode passphrase passwd password password1 password12
	password123 password2024 password2025 password2026 passwort patient patients patricia patrick
	patriots peace peanut peanutbutter pearl pedro penguin pepper pepsi pharmacy philadelphia phoenix
	physics piano pikachu pineapple pizza planet playboy playstation please pluto poiuytrewq pokemon
	police pony porn porsche postgres postgresql potato prince princesa princess private provider
	pubg pumpkin puppy purple pussy q1w2e3 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx qazwsxedc
	qazwsxedcrfv qazwsxedcrfvtgb queen qwe qwe123 qweasd qweasdzxc qweqwe qwerty qwerty1 qwerty12
	qwerty123 qwertyui qwertyuiop qwertyuiopasdf qwertyuiopasdfgh qwertyuiopasdfghjkl
	qwertyuiopasdfghjklzxcvbnm qwertz rabbit rachel raiders rainbow rambo realmadrid rebecca redsox
	remember ricardo rich richard river robert roberto roblox rockandroll rocket rocky roma root root123
	rose roses ruby rugby running russia ryan samantha samurai sandiego sarah sasuke saturday saturn
	school science scorpion seattle sebastian secret secrets september server sex sexsex sexy shadow
	shark shit silver sister sisters skateboard skywalker smile smiley smokey snake snoopy snowboard
	soccer soldier something sonic sophia spaceship spain spider spiderman spring sqlserver star
	starbucks starcraft stars startrek starwars steelers stephanie stephen steven storm strawberry
	student subaru success sugar summer sun sunday sunshine superman superuser surfing susan suzuki
	sweet sweetheart sweetie sweety swimming sysadmin taylor teacher teamwork temp temporary
	temppassword tennis tequila terminator tesla test test123 tester testing testtest texas thanks
	thanksgiving thankyou thepassword therapist therapy thisisapassword thisismypassword thomas thor
	thunder thursday tiger tigers timothy titanic tomato toor topsecret tornado toyota trinity truck
	trucker trustme trustno1 tuesday tupac turtle twitter unicorn unitedstates universe university usa
	user user123 username vacation vader valentina vanessa venus victoria violet vodka volkswagen
	volleyball voyager warcraft warrior water wedding wednesday weekend welcome welcome1 welcomeback
	welcomehome whatever whatsup whiskey white wife william wind windows winner winter witch wizard wolf
	wolves wonderwoman work worker wrestling xbox xyz yahoo yamaha yankees
	yellow yes yesyes yoda yourpassword youtube zaq12wsx zaq1xsw2 zelda zxc123 zxcv zxcvbn zxcvbnm
	zxcvbnmasdfghjkl 
$words$), E'\\s+') AS word;
